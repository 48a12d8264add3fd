import { aks } from './aks.ts';
import { byo } from './byo.ts';
import type { Provisioner } from './provisioner.ts';

export const provisionerNames = ['aks', 'byo'] as const;
export type ProvisionerName = (typeof provisionerNames)[number];

export const provisioners = { aks, byo } satisfies Record<ProvisionerName, Provisioner>;
