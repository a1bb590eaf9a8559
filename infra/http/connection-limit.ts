const maxReserve = 500;

/**
 * How many connections to take at once: as many as wanted, but never so many that the descriptors of the process run out.
 * 500 of them, or a quarter where there are few, stay free for databases, brokers and files: at the limit Temporal's
 * worker cannot open what it needs, and ends the process.
 */
export function connectionLimit(wanted: number, descriptors = descriptorLimit()): number {
  const reserve = Math.min(maxReserve, Math.ceil(descriptors / 4));
  return Math.max(1, Math.min(wanted, descriptors - reserve));
}

/** The soft limit of open files, which Node raises to the hard one as it starts; Infinity where there is none. */
function descriptorLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Infinity;
}
