/** The numbers that Azure hides in the prose of its quota refusals. */
export interface QuotaFigures {
  /** `StandardNCADSA100v4Family`, `Total Regional Cores`, `LowPriorityCores`. */
  quota?: string;
  location?: string;
  limit?: number;
  used?: number;
  left?: number;
  required?: number;
  /** The least limit with which it would have worked. */
  newLimit?: number;
}

/**
 * Two writers are understood: Compute ("... exceeding approved X quota. Additional details - ... Current Limit: 0, Current
 * Usage: 0, Additional Required: 24, (Minimum) New Limit Required: 24.") and the check of AKS itself ("Insufficient vcpu
 * quota requested 24, remaining 0 for family X for region Y", "... left regional vcpu quota 4, requested quota 6").
 */
export const parseQuotaFigures = (message: string): QuotaFigures => {
  const number = (pattern: RegExp): number | undefined => {
    const digits = pattern.exec(message)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  const limit = number(/Current Limit:\s*(\d+)/i);
  const used = number(/Current Usage:\s*(\d+)/i);
  const figures = {
    quota: quotaName(message),
    location: /(?:Location:|for location|for region|in location)\s*'?([A-Za-z0-9]+)/i.exec(message)?.[1],
    limit,
    used,
    left: number(/(?:left (?:regional )?vcpu quota|remaining)\s*:?\s*(\d+)/i) ?? (limit === undefined || used === undefined ? undefined : Math.max(0, limit - used)),
    required: number(/(?:Additional Required:|requested(?: quota)?)\s*(\d+)/i),
    newLimit: number(/New Limit Required:\s*(\d+)/i),
  };
  return withoutUndefined(figures);
};

/** `24 vCPUs of StandardNCADSA100v4Family are needed and 0 are left (limit 0, used 0)`; undefined when nothing was understood. */
export const describeQuotaFigures = ({ quota, limit, used, left, required }: QuotaFigures): string | undefined => {
  if (required === undefined && left === undefined) return undefined;
  const of = quota === undefined ? '' : ` of ${quota}`;
  const inTotal = limit === undefined || used === undefined ? '' : ` (limit ${limit}, used ${used})`;
  if (left === undefined) return `${required} vCPUs${of} are needed, which is more than are left`;
  if (required === undefined) return `${left} vCPUs${of} are left${inTotal}, which is not enough`;
  return `${required} vCPUs${of} are needed and ${left} are left${inTotal}`;
};

export const isSpotQuota = ({ quota }: QuotaFigures): boolean => quota?.toLowerCase() === 'lowprioritycores';

const quotaName = (message: string): string | undefined => {
  const family = /for family\s+([\w ]*?\w+Family)\b/i.exec(message)?.[1] ?? /approved\s+(?:standard\s+)?(\S+?Family)\s+Cores quota/i.exec(message)?.[1];
  if (family !== undefined) return family;
  if (/LowPriorityCores/i.test(message)) return 'LowPriorityCores';
  if (/regional (?:cores|vcpu) quota/i.test(message)) return 'Total Regional Cores';
  // "approved standardNCADSA100v4Family Cores quota" is above; older texts leave the word Family out.
  return /approved\s+(.+?)\s+(?:Family\s+)?Cores quota/i.exec(message)?.[1];
};

const withoutUndefined = (figures: { [Key in keyof Required<QuotaFigures>]: QuotaFigures[Key] | undefined }): QuotaFigures =>
  Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
