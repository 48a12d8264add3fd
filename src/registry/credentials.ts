/** User and password for a registry, out of a `kubernetes.io/dockerconfigjson` Secret. */
export interface RegistryCredentials {
  username: string;
  password: string;
}

export interface FoundCredentials extends RegistryCredentials {
  /** Whether they are in `auth` too: kubectl writes that, and skopeo reads nothing else. */
  hasAuth: boolean;
}

/** Docker Hub's credentials are stored under its first address. */
const dockerHubKeys = ['docker.io', 'index.docker.io', 'https://index.docker.io/v1/'];

export const findCredentials = (dockerConfigJson: string, registry: string): FoundCredentials | undefined => {
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
    const { username, password, auth } = entry;
    const hasAuth = typeof auth === 'string' && auth !== '';
    if (typeof username === 'string' && typeof password === 'string') return { username, password, hasAuth };
    if (hasAuth) {
      const [name = '', ...rest] = Buffer.from(auth, 'base64').toString('utf8').split(':');
      return { username: name, password: rest.join(':'), hasAuth };
    }
  }
  return undefined;
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
