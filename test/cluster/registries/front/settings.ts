/** What the process in front of the registries is started with, as JSON in a file. */
export interface FrontSettings {
  /** It ends when this is gone. */
  folder: string;
  /** The cluster's name. */
  cluster: string;
  /** Where it writes down what it listens on. */
  stateFile: string;
  /** The address that pods and nodes reach it at. */
  gateway: string;
  /** The name of the registry that asks for a password. */
  privateHost: string;
  /** The name under which it hands out files. */
  filesHost: string;
  certificateFile: string;
  keyFile: string;
  /** What really stores: docker-registry's configuration and the socket that it listens on. */
  stores: Record<'public' | 'private', { configFile: string; socket: string }>;
  users: readonly RegistryUser[];
}

export interface RegistryUser {
  name: string;
  password: string;
  canPush: boolean;
}

/** What it writes down once it listens. */
export interface FrontState {
  controlUrl: string;
}
