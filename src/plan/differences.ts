import type { Workspace } from '../domain/workspace.ts';
import { toStableJson } from './content.ts';

/** The paths in which two Workspaces differ, as far as they say what is wanted. */
export const differences = (wanted: Workspace, stored: Workspace): string[] => {
  const paths: string[] = [];
  compare(relevant(wanted), relevant(stored), '', paths);
  return paths;
};

const relevant = ({ metadata, resource, inference, tuning }: Workspace): unknown => ({ annotations: metadata.annotations ?? {}, resource, inference, tuning });

const compare = (wanted: unknown, stored: unknown, path: string, paths: string[]): void => {
  if (toStableJson(wanted ?? null) === toStableJson(stored ?? null)) return;
  if (isMap(wanted) && isMap(stored)) {
    for (const key of new Set([...Object.keys(wanted), ...Object.keys(stored)])) compare(wanted[key], stored[key], path === '' ? key : `${path}.${key}`, paths);
    return;
  }
  paths.push(`${path}: ${show(stored)} there, ${show(wanted)} wanted`);
};

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const show = (value: unknown): string => (value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value));
