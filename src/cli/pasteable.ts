import type { Event } from '../domain/event.ts';
import type { WorkspaceStatus } from '../domain/status.ts';
import { clusterOptions, type GlobalValues } from './globals.ts';
import { longFlag } from './options.ts';

/** Where a command was told to look, and would not look when the same program is started without being told. */
export interface Place {
  /** Of a flag or of a Workspace file. */
  namespace?: string;
  context?: string;
  kubeconfig?: string;
}

/** What environment and settings say is found again by whoever pastes a command; what flags say is not. */
export const placeOf = ({ context, kubeconfig, origins }: GlobalValues, namespace: string | undefined): Place => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(context === undefined || origins.context.from !== 'flag' ? {} : { context }),
  ...(kubeconfig === undefined || origins.kubeconfig.from !== 'flag' ? {} : { kubeconfig }),
});

/** The same event, the commands that it names completed so that they ask the same cluster when they are pasted. */
export const makePasteable = (event: Event, place: Place): Event => {
  const complete = (text: string): string => completeCommand(text, place);
  switch (event.type) {
    case 'note':
    case 'warning':
      return event.hints ? { ...event, hints: event.hints.map(complete) } : event;
    case 'result':
      return { ...event, summary: event.summary.map(complete), ...(event.hints ? { hints: event.hints.map(complete) } : {}) };
    case 'statuses':
      return { ...event, statuses: event.statuses.map((status) => completeStatus(status, event.namespace === undefined ? { ...place, namespace: status.namespace } : place)) };
    case 'failed':
      event.error.rewriteHints(complete);
      return event;
    default:
      return event;
  }
};

const completeStatus = (status: WorkspaceStatus, place: Place): WorkspaceStatus => (status.next === undefined ? status : { ...status, next: completeCommand(status.next, place) });

/** A command is the whole of a text or what follows its last colon, and a comment may follow it. What ends with a full stop is a sentence. */
export const completeCommand = (text: string, { namespace, context, kubeconfig }: Place): string => {
  const [, before = '', command, comment = ''] = /^(?:(.*: ))?(kaito-ts (?:chat|delete|diff|doctor|endpoint|gc|logs|serve|status|tune)\b.*?[^.])( +# .*)?$/s.exec(text) ?? [];
  if (command === undefined) return text;
  const isEverywhere = / (?:-n|-A|--namespace|--all-namespaces)\b/.test(command) || /^kaito-ts gc\b/.test(command);
  const flags = [
    ...(namespace === undefined || isEverywhere ? [] : ['-n', namespace]),
    ...(context === undefined ? [] : [longFlag(clusterOptions.context.flags), quote(context)]),
    ...(kubeconfig === undefined ? [] : [longFlag(clusterOptions.kubeconfig.flags), quote(kubeconfig)]),
  ];
  return `${before}${[command, ...flags].join(' ')}${comment}`;
};

/** For a POSIX shell; PowerShell reads single quotes alike. */
const quote = (text: string): string => (/^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);
