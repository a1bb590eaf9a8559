const maxReserve = 500;

/**
 * Returns how many connections to accept at once: `wanted`, or fewer if the process would run out of file descriptors.
 * It keeps 500 descriptors, or a quarter of them if that is less, free for databases, brokers and files. Without them,
 * Temporal's worker cannot open what it needs and ends the process.
 */
export function connectionLimit(wanted: number, descriptors = descriptorLimit()): number {
  const reserve = Math.min(maxReserve, Math.ceil(descriptors / 4));
  return Math.max(1, Math.min(wanted, descriptors - reserve));
}

/** The soft limit on open files, which Node raises to the hard limit at startup; Infinity if there is no limit. */
function descriptorLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Infinity;
}
