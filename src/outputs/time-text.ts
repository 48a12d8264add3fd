/** `12s`, `5m`, `3h`, `2d`: as kubectl writes ages. */
export const formatAge = (timestamp: string, now: number): string => {
  const createdAt = Date.parse(timestamp);
  return Number.isNaN(createdAt) ? '<unknown>' : formatElapsed(now - createdAt);
};

export const formatElapsed = (elapsedMs: number): string => {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
};
