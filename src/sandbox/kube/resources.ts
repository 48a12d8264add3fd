/** A kind the sandbox's API server knows; everything about a kind that is not a controller's business. */
export interface Resource {
  /** Empty for the core group. */
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  subresources: readonly ('status' | 'scale' | 'log' | 'portforward')[];
}
