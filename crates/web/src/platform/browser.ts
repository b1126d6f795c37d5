/** The browser's clock and WebSocket, as the protocol core wants them. */
import type { Clock, Dial } from '../core/ports';
import { SUBPROTOCOL } from '../core/wire';

/** Wall time and timers of the page. */
export const clock: Clock = {
  now: () => Date.now(),
  after(delay_ms, fire) {
    const timer = setTimeout(fire, delay_ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};

/** Opens `/ws` on the page's own origin. */
export const dial: Dial = (handlers) => {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(`${scheme}//${location.host}/ws`, SUBPROTOCOL);
  let open = true;
  socket.onopen = () => open && handlers.onOpen();
  socket.onmessage = (event) => {
    if (open && typeof event.data === 'string') handlers.onFrame(event.data);
  };
  socket.onclose = (event) => {
    if (!open) return;
    open = false;
    handlers.onClose(event.code);
  };
  return {
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close() {
      open = false;
      socket.close();
    },
  };
};
