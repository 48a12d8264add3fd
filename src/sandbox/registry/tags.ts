import { writeJson, type Handler } from './exchange.ts';
import { RegistryProblem } from './problem.ts';

/** `GET /v2/<name>/tags/list?n=&last=`: tags in order, with a `Link` to the next page while there is one. */
export const answerTags: Handler = ({ response, method, query, content, name }) => {
  if (method !== 'GET') throw new RegistryProblem('UNSUPPORTED');
  const repository = content.get(name);
  // An upload that was only begun does not make a repository that others can see.
  if (!repository || repository.manifests.size === 0) throw new RegistryProblem('NAME_UNKNOWN', { detail: { name } });

  const last = query.get('last') ?? '';
  const tags = [...repository.tags.keys()].filter((tag) => tag > last).sort();
  const asked = Number(query.get('n') ?? Number.NaN);
  const limit = Number.isInteger(asked) && asked >= 0 ? asked : tags.length;
  const page = tags.slice(0, limit);
  const end = page.at(-1);
  const link = end === undefined || page.length === tags.length ? {} : { link: `</v2/${name}/tags/list?n=${limit}&last=${end}>; rel="next"` };
  writeJson(response, { name, tags: page }, link);
};
