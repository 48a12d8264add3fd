import type { ConformanceCase } from '../server.ts';
import { accessCases } from './access.ts';
import { applyCases } from './apply.ts';
import { deletionCases } from './deletion.ts';
import { discoveryCases } from './discovery.ts';
import { fieldValidationCases } from './field-validation.ts';
import { listCases } from './list.ts';
import { logCases } from './logs.ts';
import { patchCases } from './patch.ts';
import { portForwardCases } from './port-forward.ts';
import { protocolCases } from './protocol.ts';
import { refusalCases } from './refusals.ts';
import { tableCases } from './table.ts';
import { watchCases } from './watch.ts';
import { workloadCases } from './workloads.ts';

/** All there is to compare, by the file in `recorded` that holds the real answers. */
export const casesByFile: Readonly<Record<string, readonly ConformanceCase[]>> = {
  access: accessCases,
  apply: applyCases,
  deletion: deletionCases,
  discovery: discoveryCases,
  'field-validation': fieldValidationCases,
  list: listCases,
  logs: logCases,
  patch: patchCases,
  'port-forward': portForwardCases,
  protocol: protocolCases,
  refusals: refusalCases,
  table: tableCases,
  watch: watchCases,
  workloads: workloadCases,
};
