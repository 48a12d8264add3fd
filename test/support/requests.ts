/** A request that changes something: not a question that happens to be asked with POST, and not a rehearsal. */
export const isWrite = ({ method, path }: { method: string; path: string }): boolean => method !== 'GET' && !/\/self-?subject\w*reviews\b|[?&]dryRun=All\b/i.test(path);
