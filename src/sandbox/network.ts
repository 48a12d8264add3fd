import { getCACertificates, setDefaultCACertificates } from 'node:tls';

export interface NetworkOptions {
  /** The sandbox's own authority, which its containers trust. */
  certificatePem: string;
  registryHost: string;
}

/**
 * The network that containers see: the sandbox's registry, and nothing outside this machine. Programs that stand for
 * downloads from the public network answer from what the sandbox has, and never get here.
 */
export const createContainerFetch = ({ certificatePem, registryHost }: NetworkOptions): typeof fetch => {
  setDefaultCACertificates([...getCACertificates('default'), certificatePem]);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.host !== registryHost) throw new TypeError('fetch failed', { cause: new Error(`getaddrinfo ENOTFOUND ${url.hostname}: the sandbox never leaves this machine`) });
    return await fetch(input, init);
  };
};
