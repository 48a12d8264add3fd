/** Of the API server whose answers `test/conformance` holds the sandbox to, and so of the cluster that Azure tells of and of its nodes. */
export const kubernetesVersion = '1.36.3';
