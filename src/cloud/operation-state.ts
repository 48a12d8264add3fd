/**
 * Whether this is a poller's state whose addresses all belong to that endpoint. The token goes wherever the state points,
 * and the state is kept in the cluster, where whoever may write a ConfigMap could point it elsewhere.
 */
export const isStateOf = (state: string, endpoint: string): boolean => {
  const own = URL.parse(endpoint);
  const config = readConfig(state);
  if (!own || !config) return false;
  const addresses = ['operationLocation', 'resourceLocation', 'initialRequestUrl'].map((key) => config[key]).filter((address) => address !== undefined);
  return addresses.length > 0 && addresses.every((address) => typeof address === 'string' && isOf(own, address));
};

/** Regional hosts such as `westeurope.management.azure.com` answer for the endpoint too. */
const isOf = (own: URL, address: string): boolean => {
  const url = URL.parse(address, own.href);
  return url !== null && url.protocol === own.protocol && url.port === own.port && (url.hostname === own.hostname || url.hostname.endsWith(`.${own.hostname}`));
};

const readConfig = (state: string): Record<string, unknown> | undefined => {
  try {
    const config: unknown = JSON.parse(state)?.state?.config;
    return typeof config === 'object' && config !== null ? { ...config } : undefined;
  } catch {
    return undefined;
  }
};
