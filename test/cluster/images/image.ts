import { digest, type Layer } from './layer.ts';

export interface Blob {
  digest: string;
  mediaType: string;
  bytes: Uint8Array;
}

/** A manifest with everything that it refers to. */
export interface Image {
  manifest: Blob;
  blobs: readonly Blob[];
}

export interface ImageSettings {
  command?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  workingFolder?: string;
  user?: string;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** Something that a container runtime can start. */
export const toImage = (layers: readonly Layer[], settings: ImageSettings = {}): Image => {
  const { command, environment = {}, workingFolder, user } = settings;
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: {
      Env: Object.entries({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...environment }).map(([name, value]) => `${name}=${value}`),
      ...(command && { Cmd: command }),
      ...(workingFolder && { WorkingDir: workingFolder }),
      ...(user && { User: user }),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  return assemble(layers, { ...toBlob(JSON.stringify(config)), mediaType: 'application/vnd.oci.image.config.v1+json' });
};

/** Files that oras pulls under their names; nothing to start. */
export const toArtifact = (files: Readonly<Record<string, string | Uint8Array>>, artifactType: string): Image => {
  const layers = Object.entries(files).map(([name, content]) => ({
    ...toBlob(content),
    mediaType: 'application/octet-stream',
    annotations: { 'org.opencontainers.image.title': name },
  }));
  return assemble(layers, { ...toBlob('{}'), mediaType: 'application/vnd.oci.empty.v1+json' }, { artifactType });
};

const toBlob = (content: string | Uint8Array): { bytes: Uint8Array; digest: string } => {
  const bytes = Buffer.from(content);
  return { bytes, digest: digest(bytes) };
};

const assemble = (layers: readonly (Blob & { annotations?: Record<string, string> })[], config: Blob, more: object = {}): Image => {
  const descriptor = ({ mediaType, digest, bytes, annotations }: Blob & { annotations?: Record<string, string> }) => ({ mediaType, digest, size: bytes.length, ...(annotations && { annotations }) });
  const manifest = { schemaVersion: 2, mediaType: manifestType, ...more, config: descriptor(config), layers: layers.map(descriptor) };
  return { manifest: { ...toBlob(JSON.stringify(manifest)), mediaType: manifestType }, blobs: [config, ...layers] };
};
