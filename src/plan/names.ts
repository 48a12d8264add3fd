import { UsageError } from '../domain/errors.ts';

/**
 * KAITO allows any DNS-1123 label, and then the StatefulSet's pods, which add a hash of 11 characters to a label value,
 * cannot be made for the last of them: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
 */
const workspaceNameLengthMax = 52;

export const parseWorkspaceName = (name: string): string => {
  if (name.length <= workspaceNameLengthMax && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) return name;
  throw new UsageError(`${JSON.stringify(name)} cannot be the name of a workspace.`, {
    reason: 'InvalidName',
    fact: `A name has at most ${workspaceNameLengthMax} of the characters a-z, 0-9 and -, starts with a letter and does not end with a -.`,
    hints: [`For example: ${toWorkspaceName(name)}`],
  });
};

/** The nearest valid name. */
export const toWorkspaceName = (text: string): string => {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, workspaceNameLengthMax)
    .replace(/-+$/, '');
  return name === '' ? 'my-workspace' : name;
};
