import { isScript, listFolder } from './container-script.ts';
import { renderDataset } from './dataset-file.ts';
import type { Program, ProgramContext } from './program.ts';

const tries = 3;
const pauseMs = 2_000;

/** Downloads the addresses in DATA_URLS to DATA_VOLUME_PATH, as the script that it stands for does with curl. */
export const dataset: Program = {
  matches: (container) => isScript(container, /(?:^|\/)curl(?:[:@]|$)/, ['DATA_URLS', 'DATA_VOLUME_PATH']),
  async run(context) {
    const { env, stdout, stderr, files, clock } = context;
    const folder = (env['DATA_VOLUME_PATH'] ?? '/mnt/data').replace(/\/$/, '');
    const urls = (env['DATA_URLS'] ?? '').split(/\s+/).filter((url) => url !== '');
    if (urls.length === 0) {
      stderr('DATA_URLS names no dataset.\n');
      return 1;
    }
    for (const url of urls) {
      const name = url.replace(/[?#].*$/s, '').split('/').at(-1) ?? '';
      if (name === '') {
        stderr(`${url} names no file.\n`);
        return 1;
      }
      stdout(`Downloading ${url}\n`);
      const content = await download(url, name, context);
      if (!content) {
        stderr(`${url} cannot be downloaded.\n`);
        return 1;
      }
      files.write(`${folder}/${name}`, content);
    }
    stdout(listFolder(files, folder, clock.now()));
    return 0;
  },
};

const download = async (url: string, name: string, context: ProgramContext): Promise<Buffer | undefined> => {
  const { stderr, clock, signal } = context;
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    if (attempt > 1) await clock.sleep(pauseMs, signal);
    const answer = await request(url, name, context);
    if (typeof answer === 'string') stderr(`${answer}\n`);
    else if (answer.status !== 200) stderr(`${url} answers ${answer.status}.\n`);
    else if (answer.content.length === 0) stderr(`${url} is empty.\n`);
    else return answer.content;
  }
  return undefined;
};

/** The answer, or curl's own words for having none. */
const request = async (url: string, name: string, { fetch, clock, signal, hasFault }: ProgramContext): Promise<{ status: number; content: Buffer } | string> => {
  const target = URL.parse(url);
  if (!target || !/^https?:$/.test(target.protocol)) return `curl: (1) Protocol "${url.split(':', 1)[0]}" not supported`;
  if (isPublic(target)) {
    await clock.sleep(8_000, signal);
    return hasFault('dataset-missing') ? { status: 404, content: Buffer.alloc(0) } : { status: 200, content: renderDataset(name) };
  }
  try {
    const response = await fetch(target, { signal });
    return { status: response.status, content: Buffer.from(await response.arrayBuffer()) };
  } catch {
    return `curl: (7) Failed to connect to ${target.hostname} port ${target.port || (target.protocol === 'https:' ? 443 : 80)}: Could not connect to server`;
  }
};

/** Outside this machine, where the sandbox never goes: its own dataset stands in for whatever is there. */
const isPublic = ({ hostname }: URL): boolean => !isLocal(hostname) && hostname.includes('.') && !/\.(?:svc|local|internal)$/.test(hostname);

const isLocal = (hostname: string): boolean => hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
