import * as z from 'zod';
import { isDigest } from './content.ts';
import { writeJson, type Handler } from './exchange.ts';
import { RegistryProblem } from './problem.ts';

const referrer = z.object({
  artifactType: z.string().optional(),
  config: z.object({ mediaType: z.string() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** `GET /v2/<name>/referrers/<digest>`: an index of the manifests whose subject it is; empty rather than 404. */
export const answerReferrers: Handler = ({ response, method, query, content, name, reference }) => {
  if (method !== 'GET') throw new RegistryProblem('UNSUPPORTED');
  if (!isDigest(reference)) throw new RegistryProblem('DIGEST_INVALID', { detail: { digest: reference } });

  const wanted = query.get('artifactType');
  const manifests = [...(content.get(name)?.manifests ?? [])]
    .filter(([, { subject }]) => subject === reference)
    .map(([digest, manifest]) => {
      const { artifactType, config, annotations } = referrer.parse(JSON.parse(manifest.content.toString('utf8')));
      const type = artifactType ?? config?.mediaType;
      return { mediaType: manifest.mediaType, digest, size: manifest.content.length, artifactType: type, annotations };
    })
    .filter(({ artifactType }) => wanted === null || artifactType === wanted);
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  writeJson(
    response,
    { schemaVersion: 2, mediaType, manifests },
    { 'content-type': mediaType, ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }) },
  );
};
