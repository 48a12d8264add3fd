/** How results may be written: `-o`. */
export const outputFormats = ['text', 'json', 'yaml', 'ndjson', 'wide', 'github'] as const;
export type OutputFormat = (typeof outputFormats)[number];
