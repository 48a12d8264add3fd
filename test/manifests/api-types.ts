import * as sdk from '@kubernetes/client-node';

interface Attribute {
  name: string;
  baseName: string;
  type: string;
}

/** What is wrong with an object by the API's own types: unknown fields and values of another type, with their places. */
export const checkApiTypes = (value: unknown, type: string, path = ''): string[] => {
  if (value === undefined) return [];
  const list = /^Array<(.*)>$/.exec(type)?.[1];
  if (list !== undefined) return Array.isArray(value) ? value.flatMap((item, index) => checkApiTypes(item, list, `${path}[${index}]`)) : [`${path} must be a list`];
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (map !== undefined) return isMap(value) ? Object.entries(value).flatMap(([key, item]) => checkApiTypes(item, map, `${path}[${key}]`)) : [`${path} must be a map`];
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type ? [] : [`${path} must be a ${type} and is ${JSON.stringify(value)}`];
    case 'IntOrString':
      return typeof value === 'number' || typeof value === 'string' ? [] : [`${path} must be a number or a text`];
    case 'any':
    case 'object':
      return [];
    default:
      return checkFields(value, type, path);
  }
};

const checkFields = (value: unknown, type: string, path: string): string[] => {
  const attributes = attributesOf(type);
  if (!attributes) return [`${path} is of a type that the API does not have: ${type}`];
  if (!isMap(value)) return [`${path} must be a ${type}`];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = path === '' ? key : `${path}.${key}`;
    const attribute = attributes.find(({ baseName }) => baseName === key);
    return attribute ? checkApiTypes(inner, attribute.type, place) : [`${place}: ${type} has no field ${key}`];
  });
};

const attributesOf = (type: string): Attribute[] | undefined => {
  const found: unknown = Object.entries(sdk).find(([name]) => name === type)?.[1];
  if (typeof found !== 'function' || !('getAttributeTypeMap' in found) || typeof found.getAttributeTypeMap !== 'function') return undefined;
  const attributes: unknown = found.getAttributeTypeMap();
  return Array.isArray(attributes) ? attributes.filter(isAttribute) : undefined;
};

const isAttribute = (value: unknown): value is Attribute => isMap(value) && typeof value['baseName'] === 'string' && typeof value['type'] === 'string';

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
