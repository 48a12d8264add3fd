/** What `accelerate launch` says before anything else: the options nobody gave it. */
export const accelerateNotice = (words: readonly string[]): string => {
  const has = (name: string) => words.some((word) => word === name || word.startsWith(`${name}=`));
  const missing = [
    ['--num_processes', '1'],
    ['--num_machines', '1'],
    ['--mixed_precision', "'no'"],
    ['--dynamo_backend', "'no'"],
  ].filter(([name = '']) => !has(name));
  return [
    'The following values were not passed to `accelerate launch` and had defaults used instead:',
    ...missing.map(([name = '', value = '']) => `\t\`${name}\` was set to a value of \`${value}\``),
    'To avoid this warning pass in values for each of the problematic parameters or run `accelerate config`.',
    '',
  ].join('\n');
};

/** The second traceback: accelerate's own, whose last line is the same whatever went wrong. */
export const launcherFailure = (words: readonly string[], path: string, exitCode = 1): string =>
  words.includes('accelerate')
    ? `Traceback (most recent call last):
  File "/usr/local/bin/accelerate", line 10, in <module>
    sys.exit(main())
             ^^^^^^
  File "/usr/local/lib/python3.12/dist-packages/accelerate/commands/accelerate_cli.py", line 50, in main
    args.func(args)
  File "/usr/local/lib/python3.12/dist-packages/accelerate/commands/launch.py", line 1407, in launch_command
    simple_launcher(args)
  File "/usr/local/lib/python3.12/dist-packages/accelerate/commands/launch.py", line 993, in simple_launcher
    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)
subprocess.CalledProcessError: Command '['/usr/bin/python3', '${path}']' returned non-zero exit status ${exitCode}.
`
    : '';
