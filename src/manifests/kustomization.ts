import { toManifest, type ManifestDocument } from './manifest-text.ts';
import type { OutputFile } from './write-folder.ts';

/** One file for each document, named after its object, and the kustomization that has them in their order. */
export const toKustomization = (documents: readonly ManifestDocument[]): OutputFile[] => {
  const namespaces = new Set(documents.map(({ object }) => object.metadata.namespace));
  const files = documents.map((document) => ({ name: fileName(document.object, namespaces.size > 1), text: toManifest(document) }));
  const object = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', metadata: { name: 'kaito-ts' }, resources: files.map(({ name }) => name) };
  return [...files, { name: 'kustomization.yaml', text: toManifest({ comments: [], object }) }];
};

const fileName = ({ kind, metadata: { name, namespace } }: ManifestDocument['object'], hasNamespaces: boolean): string => `${hasNamespaces ? `${namespace ?? ''}-` : ''}${kind.toLowerCase()}-${name}.yaml`;
