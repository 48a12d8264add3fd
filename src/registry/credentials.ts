/** User and password for a registry, out of a `kubernetes.io/dockerconfigjson` Secret. */
export interface RegistryCredentials {
  username: string;
  password: string;
}

/** Docker Hub's credentials are stored under its first address. */
const dockerHubKeys = ['docker.io', 'index.docker.io', 'https://index.docker.io/v1/'];

export const findCredentials = (dockerConfigJson: string, registry: string): RegistryCredentials | undefined => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(dockerConfigJson);
  } catch {
    return undefined;
  }
  if (!isObject(parsed) || !isObject(parsed['auths'])) return undefined;
  const keys = registry === 'docker.io' ? dockerHubKeys : [registry, `https://${registry}`, `https://${registry}/`, `https://${registry}/v2/`];
  for (const key of keys) {
    const entry = parsed['auths'][key];
    if (!isObject(entry)) continue;
    if (typeof entry['username'] === 'string' && typeof entry['password'] === 'string') return { username: entry['username'], password: entry['password'] };
    if (typeof entry['auth'] === 'string') {
      const [username = '', ...rest] = Buffer.from(entry['auth'], 'base64').toString('utf8').split(':');
      return { username, password: rest.join(':') };
    }
  }
  return undefined;
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
