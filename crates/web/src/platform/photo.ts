/**
 * A picture made small enough for a weak network. Drawing it anew leaves out all
 * that cameras write beside it, the position above all; where it was taken is sent
 * only when the person says so.
 */

/** The longer side, pixels: enough to read a number plate. */
const SIDE_MAX = 1_600;
const QUALITY = 0.8;

/** The picture as a JPEG; `null` when the file is none that this browser can read. */
export async function shrink(file: Blob): Promise<Blob | null> {
  try {
    const picture = await createImageBitmap(file);
    const { width, height } = fit(picture.width, picture.height);
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    canvas.getContext('2d')?.drawImage(picture, 0, 0, width, height);
    picture.close();
    return await new Promise((done) => canvas.toBlob(done, 'image/jpeg', QUALITY));
  } catch {
    return null;
  }
}

/** The size within the limit, with the same proportions; a small picture stays as it is. */
export function fit(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Where the phone is, asked of the person by the browser; `null` when they or it say no. */
export function here(): Promise<{ lat: number; lon: number } | null> {
  return new Promise((done) => {
    if (!('geolocation' in navigator)) return done(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => done({ lat: coords.latitude, lon: coords.longitude }),
      () => done(null),
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
    );
  });
}
