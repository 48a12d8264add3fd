import { stringify } from 'yaml';

export interface ManifestDocument {
  /** Each one line above the document. */
  comments: readonly string[];
  object: { kind: string; metadata: { name: string; namespace?: string } };
}

/**
 * A stream of YAML documents for kubectl. It reads YAML 1.1, where an unquoted `no` is false: what either version would
 * read as something else than text is quoted.
 */
export const toManifests = (documents: readonly ManifestDocument[]): string => documents.map(toManifest).join('');

export const toManifest = ({ comments, object }: ManifestDocument): string => `---\n${comments.map((comment) => `# ${oneLine(comment)}\n`).join('')}${stringify(object, { compat: 'yaml-1.1', aliasDuplicateObjects: false, lineWidth: 0 })}`;

/** Nothing in a name or a reason may end the comment. */
const oneLine = (text: string): string => text.replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]+/g, ' ');
