/**
 * Reads something at once, then again and again while somebody looks at the page, and at once when they come back to it.
 * Gives back what ends it, as an effect does.
 */
export function whileLookedAt(read: () => Promise<void>, every_ms: number): () => void {
  const look = () => {
    if (document.visibilityState !== 'hidden') void read();
  };
  look();
  const timer = setInterval(look, every_ms);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
