import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { AccessError } from '../domain/errors.ts';
import { broken, type Entry } from './kubeconfig-files.ts';
import { isRecord } from './object.ts';

export interface ClusterEntry {
  /** Without a slash at the end. */
  server: string;
  caPem?: string;
  skipTlsVerify: boolean;
  tlsServerName?: string;
  proxyUrl?: string;
  /** What the cluster has to say to a credential plugin: the extension `client.authentication.k8s.io/exec`. */
  execConfig?: unknown;
}

export interface UserEntry {
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  certPem?: string;
  keyPem?: string;
  exec?: ExecEntry;
  /** The ways to log in that kubectl has given up and old kubeconfigs still name, as they stand in the file. */
  authProvider?: Record<string, unknown>;
  impersonate: { user?: string; uid?: string; groups: string[]; extra: Record<string, string[]> };
}

export interface ExecEntry {
  apiVersion: string;
  /** Absolute when it was a path. */
  command: string;
  args: string[];
  env: Record<string, string>;
  interactiveMode: 'Never' | 'IfAvailable' | 'Always';
  provideClusterInfo: boolean;
  installHint?: string;
}

export const anonymous: UserEntry = { impersonate: { groups: [], extra: {} } };

const execExtension = 'client.authentication.k8s.io/exec';

export const toClusterEntry = async (entry: Entry): Promise<ClusterEntry> => {
  const read = readerOf(entry);
  const server = read.text('server');
  if (server === undefined || !/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw broken(entry.file, `${entry.place}.server is not the address of a server, such as https://10.0.0.1:6443.`);
  }
  const { extensions } = entry.fields;
  const exec: unknown = Array.isArray(extensions) ? extensions.find((item) => isRecord(item) && item['name'] === execExtension) : undefined;
  return {
    server: server.replace(/\/+$/, ''),
    skipTlsVerify: read.flag('insecure-skip-tls-verify'),
    ...optional('caPem', await read.pem('certificate-authority')),
    ...optional('tlsServerName', read.text('tls-server-name')),
    ...optional('proxyUrl', read.text('proxy-url')),
    ...optional('execConfig', isRecord(exec) ? exec['extension'] : undefined),
  };
};

export const toUserEntry = async (entry: Entry): Promise<UserEntry> => {
  const read = readerOf(entry);
  const { exec, 'auth-provider': authProvider, 'as-user-extra': extra } = entry.fields;
  return {
    // By client-go, the file wins over the token beside it.
    ...optional('token', read.path('tokenFile') === undefined ? read.text('token') : undefined),
    ...optional('tokenFile', read.path('tokenFile')),
    ...optional('username', read.text('username')),
    ...optional('password', read.text('password')),
    ...optional('certPem', await read.pem('client-certificate')),
    ...optional('keyPem', await read.pem('client-key')),
    ...(isRecord(exec) ? { exec: toExec({ ...entry, place: `${entry.place}.exec`, fields: exec }) } : {}),
    ...(isRecord(authProvider) ? { authProvider } : {}),
    impersonate: {
      ...optional('user', read.text('as')),
      ...optional('uid', read.text('as-uid')),
      groups: read.texts('as-groups'),
      extra: Object.fromEntries(Object.entries(isRecord(extra) ? extra : {}).map(([key, values]) => [key, textsOf(values)])),
    },
  };
};

const toExec = (entry: Entry): ExecEntry => {
  const read = readerOf(entry);
  const command = read.text('command');
  if (command === undefined) throw broken(entry.file, `${entry.place}.command is missing.`);
  const { env } = entry.fields;
  const variables = Array.isArray(env) ? env.filter(isRecord).map((variable) => [String(variable['name']), String(variable['value'])]) : [];
  const mode = read.text('interactiveMode');
  return {
    apiVersion: read.text('apiVersion') ?? '',
    // A bare name is looked up in PATH, a path is one from the kubeconfig's directory.
    command: /[/\\]/.test(command) ? fromFile(entry.file, command) : command,
    args: read.texts('args'),
    env: Object.fromEntries(variables),
    interactiveMode: mode === 'Never' || mode === 'Always' ? mode : 'IfAvailable',
    provideClusterInfo: read.flag('provideClusterInfo'),
    ...optional('installHint', read.text('installHint')),
  };
};

/** Reads the fields of one entry; a field of the wrong type is told by its place, never by its value. */
export const readerOf = ({ file, place, fields }: Entry) => {
  const text = (field: string): string | undefined => {
    const value = fields[field];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw broken(file, `${place}.${field} is not text: put it in quotes.`);
    return value;
  };
  const path = (field: string): string | undefined => {
    const value = text(field);
    return value === undefined ? undefined : fromFile(file, value);
  };
  return {
    text,
    path,
    texts: (field: string): string[] => textsOf(fields[field]),
    flag: (field: string): boolean => fields[field] === true,
    /** `<field>-data` in base64, which wins, or the file that `<field>` names. */
    pem: async (field: string): Promise<string | undefined> => {
      const data = text(`${field}-data`);
      if (data !== undefined) {
        const pem = Buffer.from(data, 'base64').toString();
        // Node would pass over anything else without a word, and then trust nobody.
        if (!pem.includes('-----BEGIN ')) throw broken(file, `${place}.${field}-data is not PEM text in base64.`);
        return pem;
      }
      const source = path(field);
      if (source === undefined) return undefined;
      try {
        return await readFile(source, 'utf8');
      } catch (error) {
        throw new AccessError(`The file ${source}, which the kubeconfig ${file} names as ${field}, cannot be read.`, {
          reason: 'KubeconfigUnreadable',
          fact: error instanceof Error ? error.message : String(error),
          cause: error,
        });
      }
    },
  };
};

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const fromFile = (file: string, path: string): string => (isAbsolute(path) ? path : resolve(dirname(file), path));

const optional = <Name extends string, T>(name: Name, value: T | undefined): Partial<Record<Name, T>> => {
  const record: Partial<Record<Name, T>> = {};
  if (value !== undefined) record[name] = value;
  return record;
};
