/** A condition as most kinds have it; what else a kind puts into it is kept. */
export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** The list with that condition in it; its time moves only when its status changes. */
export const withCondition = <T extends Condition>(conditions: readonly T[] | undefined, condition: T, now: string): T[] => {
  const earlier = conditions?.find(({ type }) => type === condition.type);
  const lastTransitionTime = earlier?.status === condition.status && earlier.lastTransitionTime !== undefined ? earlier.lastTransitionTime : now;
  const changed = { ...condition, lastTransitionTime };
  return earlier ? (conditions ?? []).map((other) => (other === earlier ? changed : other)) : [...(conditions ?? []), changed];
};

export const hasCondition = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
