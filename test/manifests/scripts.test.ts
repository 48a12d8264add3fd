import { createServer, type Server } from 'node:http';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { templates } from './support.ts';

// The scripts run as they run in the pod, by a real shell with its real tar, gzip and sha256sum. Programs of the images are
// stood in for by a few lines of shell at the front of the PATH; so is sleep, which only writes down how long it was asked to.

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kaito-ts-scripts-'));
  await mkdir(join(folder, 'bin'));
  await program('sleep', 'echo "$1" >> "$HOME/slept"');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const program = async (name: string, script: string): Promise<void> => {
  await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, 'bin', name), 0o755);
};

const run = async (script: string, environment: Record<string, string>) =>
  await execa('sh', ['-c', templates.scripts[script] ?? ''], {
    cwd: folder,
    env: { ...environment, HOME: folder, TMPDIR: folder, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` },
    extendEnv: false,
    reject: false,
    timeout: 120_000,
  });

const read = async (file: string): Promise<string> => await readFile(join(folder, file), 'utf8');
const write = async (file: string, content: string): Promise<void> => {
  await mkdir(join(folder, file, '..'), { recursive: true });
  await writeFile(join(folder, file), content);
};

describe('push-adapter.sh', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const push = (change: Record<string, string> = {}) =>
    run('push-adapter', { OUTPUT_DIR: join(folder, 'results'), OUTPUT_IMAGE: 'registry.example.com/team/adapter:1', PRESET_NAME: 'phi-4', TERMINATION_LOG: join(folder, 'termination-log'), ...change });
  const train = async (): Promise<void> => {
    await write('results/fine_tuning_completed.txt', 'Fine-Tuning completed');
    await write('results/adapter_config.json', '{"r":8}');
    await write('results/adapter_model.safetensors', 'weights');
    await write('results/README.md', 'Not part of the adapter.');
  };
  /** Keeps what it was asked to push; copies fail as often as the file `failures` says. */
  const oras = async (failures: number): Promise<void> => {
    await write('failures', String(failures));
    await program(
      'oras',
      `echo "$@" >> "$HOME/oras"
      case "$1" in
        push) cp layer.tar.gz config.json annotations.json "$HOME/" ;;
        resolve) echo ${digest} ;;
        cp) left=$(cat "$HOME/failures"); echo $((left - 1)) > "$HOME/failures"; [ "$left" -le 0 ] || { echo "503 Service Unavailable" >&2; exit 1; } ;;
      esac`,
    );
  };

  it('pushes the two files of an adapter as KAITO\'s servers expect them, and leaves the digest', async () => {
    await train();
    await oras(0);
    expect(await push()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Pushed registry.example.com/team/adapter:1@${digest}`) });
    expect(await read('termination-log')).toBe(`digest=${digest}`);
    const listed = await execa('tar', ['-tzf', join(folder, 'layer.tar.gz')]);
    expect(listed.stdout.split('\n').sort()).toEqual(['data/', 'data/adapter_config.json', 'data/adapter_model.safetensors']);
    const sum = await execa('sh', ['-c', 'gzip -dc layer.tar.gz | sha256sum'], { cwd: folder });
    expect(JSON.parse(await read('config.json'))).toEqual({ rootfs: { diff_ids: [`sha256:${sum.stdout.split(' ')[0]}`] } });
    expect(JSON.parse(await read('annotations.json'))).toEqual({ $manifest: { 'sh.kaito.model.name': 'phi-4' } });
    const [pushed = '', , copied] = (await read('oras')).split('\n');
    expect(pushed).toBe('push --oci-layout layout:latest --annotation-file annotations.json --config config.json:application/vnd.oci.image.config.v1+json layer.tar.gz:application/vnd.oci.image.layer.v1.tar+gzip');
    expect(copied).toBe('cp --from-oci-layout layout:latest registry.example.com/team/adapter:1');
  });

  it('tries again when the registry is not there for a while', async () => {
    await train();
    await oras(3);
    expect(await push()).toMatchObject({ exitCode: 0 });
    expect(await read('slept')).toBe('5\n15\n30\n');
    expect(await read('termination-log')).toBe(`digest=${digest}`);
  });

  it('gives up in the end, with the registry\'s words last but one', async () => {
    await train();
    await oras(99);
    const failed = await push();
    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr.split('\n').slice(-2)).toEqual(['503 Service Unavailable', 'registry.example.com/team/adapter:1 cannot be pushed.']);
    expect(await read('slept')).toBe('5\n15\n30\n60\n');
    await expect(read('termination-log')).rejects.toThrow();
  });

  it.each(['fine_tuning_completed.txt', 'adapter_config.json', 'adapter_model.safetensors'])('fails when training has left no %s, even if nothing is to be pushed', async (file) => {
    await train();
    await oras(0);
    await rm(join(folder, 'results', file));
    for (const OUTPUT_IMAGE of ['', 'registry.example.com/team/adapter:1']) {
      expect(await push({ OUTPUT_IMAGE })).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`Training has left no ${file} in`) });
    }
    await expect(read('oras')).rejects.toThrow();
  });

  it('pushes nothing when the adapter is on its volume already', async () => {
    await train();
    await oras(0);
    expect(await push({ OUTPUT_IMAGE: '' })).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('The adapter is in') });
    await expect(read('oras')).rejects.toThrow();
  });
});

const hasCurl = (await execa('curl', ['--version'], { reject: false })).exitCode === 0;

describe.skipIf(!hasCurl)('download-dataset.sh (skipped without curl)', () => {
  let server: Server;
  let requests: string[];
  let address: string;
  const answers: Record<string, { status: number; body: string }[]> = {};
  beforeEach(async () => {
    requests = [];
    server = createServer((request, response) => {
      const path = request.url ?? '';
      requests.push(path);
      const queue = answers[path] ?? [];
      const answer = queue.length > 1 ? queue.shift() : queue[0];
      response.writeHead(answer?.status ?? 404, answer?.status === 302 ? { location: answer.body } : {});
      response.end(answer?.status === 302 ? '' : (answer?.body ?? 'not found'));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const bound = server.address();
    address = `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}`;
    await mkdir(join(folder, 'data'));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  const download = (urls: string) => run('download-dataset', { DATA_URLS: urls, DATA_VOLUME_PATH: join(folder, 'data') });

  it('names files after their addresses, without what follows a question mark', async () => {
    answers['/a/train.jsonl?download=true'] = [{ status: 200, body: 'one' }];
    answers['/b.csv'] = [{ status: 200, body: 'two' }];
    expect(await download(`${address}/a/train.jsonl?download=true ${address}/b.csv#part`)).toMatchObject({ exitCode: 0 });
    expect(await readdir(join(folder, 'data'))).toEqual(['b.csv', 'train.jsonl']);
    expect(await read('data/train.jsonl')).toBe('one');
  });

  it('follows a redirection', async () => {
    answers['/moved.jsonl'] = [{ status: 302, body: '/there.jsonl' }];
    answers['/there.jsonl'] = [{ status: 200, body: 'here' }];
    expect(await download(`${address}/moved.jsonl`)).toMatchObject({ exitCode: 0 });
    expect(await read('data/moved.jsonl')).toBe('here');
  });

  it('does not follow one to a file of its own', async () => {
    answers['/moved.jsonl'] = [{ status: 302, body: 'file:///etc/passwd' }];
    expect(await download(`${address}/moved.jsonl`)).toMatchObject({ exitCode: 1 });
    expect(await readdir(join(folder, 'data'))).toEqual([]);
  });

  it('tries three times', async () => {
    answers['/shaky.jsonl'] = [{ status: 503, body: 'later' }, { status: 200, body: '' }, { status: 200, body: 'good' }];
    expect(await download(`${address}/shaky.jsonl`)).toMatchObject({ exitCode: 0 });
    expect(await read('data/shaky.jsonl')).toBe('good');
    expect(await read('slept')).toBe('2\n2\n');
  });

  it('fails, and leaves nothing, when a file is not there', async () => {
    const failed = await download(`${address}/gone.jsonl`);
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/gone\.jsonl answers 404\.\n[^]*gone\.jsonl cannot be downloaded\.$/) });
    expect(requests).toEqual(['/gone.jsonl', '/gone.jsonl', '/gone.jsonl']);
    expect(await readdir(join(folder, 'data'))).toEqual([]);
  });

  it.each([['no address', ''], ['an address without a file', 'http://127.0.0.1:1/']])('fails for %s', async (_, urls) => {
    expect(await download(urls)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/names no (?:dataset|file)\.$/) });
  });
});

describe('pull-image.sh', () => {
  const pull = () => run('pull-image', { IMAGE_REF: 'registry.example.com/team/adapter:1', DESTINATION: join(folder, 'out/adapter') });

  /** Two layers, the second over the first; given only to who shows the file that `wants` names. */
  const skopeo = async (wants: string, hasData = true): Promise<void> => {
    const inside = hasData ? 'data' : 'other';
    await write(`one/${inside}/adapter_config.json`, '{"r":1}');
    await write(`two/${inside}/adapter_config.json`, '{"r":8}');
    await write(`two/${inside}/adapter_model.safetensors`, 'weights');
    await execa('sh', ['-c', `tar -czf one.tgz -C one ${inside} && tar -cf two.tar -C two ${inside}`], { cwd: folder });
    await program(
      'skopeo',
      `echo "$@" >> "$HOME/skopeo"
      case "$1" in
        copy)
          case "$*" in *"${wants}"*) ;; *) echo "authentication required" >&2; exit 1 ;; esac
          for last; do :; done
          mkdir -p "\${last#dir:}" && cp "$HOME/one.tgz" "\${last#dir:}/aaa" && cp "$HOME/two.tar" "\${last#dir:}/bbb" ;;
        inspect) printf 'sha256:aaa\\nsha256:bbb\\n' ;;
      esac`,
    );
  };

  it('takes the folder /data of all layers, the later over the earlier', async () => {
    await skopeo('--src-no-creds');
    expect(await pull()).toMatchObject({ exitCode: 0 });
    expect((await readdir(join(folder, 'out/adapter'))).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    expect(await read('out/adapter/adapter_config.json')).toBe('{"r":8}');
    expect(await read('skopeo')).toMatch(/^copy --src-no-creds docker:\/\/registry\.example\.com\/team\/adapter:1 dir:/);
  });

  it('shows its credentials one after the other when nobody comes in without', async () => {
    await write('.docker/config.d/a.json', '{}');
    await write('.docker/config.d/b.json', '{}');
    await skopeo('b.json');
    expect(await pull()).toMatchObject({ exitCode: 0 });
    expect((await read('skopeo')).split('\n').map((line) => line.split(' ').slice(0, 2).join(' ')).slice(0, 3)).toEqual(['copy --src-no-creds', 'copy --src-authfile', 'copy --src-authfile']);
    expect(await read('out/adapter/adapter_model.safetensors')).toBe('weights');
  });

  it('says that nothing helped', async () => {
    await skopeo('nobody');
    expect(await pull()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/authentication required\n[^]*registry\.example\.com\/team\/adapter:1 cannot be pulled\.$/) });
  });

  it('says that the image has nothing to give', async () => {
    await skopeo('--src-no-creds', false);
    expect(await pull()).toMatchObject({ exitCode: 1, stderr: 'registry.example.com/team/adapter:1 has no folder /data.' });
  });

  it('leaves nothing behind of its own', async () => {
    await skopeo('--src-no-creds');
    await pull();
    expect((await readdir(folder)).filter((name) => name.startsWith('tmp.'))).toEqual([]);
  });
});
