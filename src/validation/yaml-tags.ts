import type { Tags } from 'yaml';

/**
 * YAML 1.1 as Go's reader has it: dates and base-60 numbers stay text, a lone point is no number, and nothing is read that
 * JSON cannot say. https://github.com/kubernetes-sigs/yaml/blob/v1.6.0/goyaml.v2/resolve.go
 */
export const goTags = (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || !isUnknownToGo(tag)).map((tag) => (typeof tag !== 'string' && 'test' in tag && tag.test?.test('.') && tag.tag === 'tag:yaml.org,2002:float' ? { ...tag, test: decimal } : tag));

const decimal = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/;

const isUnknownToGo = (tag: Exclude<Tags[number], string>): boolean => /:(?:timestamp|binary|omap|pairs|set)$/.test(tag.tag) || ('format' in tag && tag.format === 'TIME');
