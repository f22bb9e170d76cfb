/** Why connections of HTTP/2 were ended: what the client did. The strings are metric labels. */
export const HTTP2_FAULTS = {
  "bad-preface":
    "The connection did not begin with the preface and SETTINGS (RFC 9113 section 3.4).",
  "bad-frame": "A frame is not allowed where it came, or its content is not valid.",
  "bad-frame-size": "A frame is longer than 16 KiB, or has not the length of its type.",
  "bad-window": "The client exceeded a flow-control window, or raised one above 2^31-1.",
  "bad-stream": "A frame refers to a stream that is closed, or that was never opened.",
  "bad-compression": "A field block cannot be decoded (RFC 7541).",
  "head-flood": "A field block is too long, or has too many CONTINUATION frames.",
  "reset-flood": "The client reset too many streams, or provoked too many resets.",
  "ping-flood": "The client sent too many PING frames.",
  "settings-flood": "The client sent too many SETTINGS frames.",
  "priority-flood": "The client sent too many PRIORITY or PRIORITY_UPDATE frames.",
  "window-flood": "The client sent too many WINDOW_UPDATE frames.",
  "empty-frame-flood": "The client sent too many frames without content, or of unknown types.",
  "tiny-windows": "The client opened its windows by a few bytes each time.",
  "settings-timeout": "The client did not acknowledge SETTINGS in time.",
} as const satisfies Readonly<Record<string, string>>;
export type Http2Fault = keyof typeof HTTP2_FAULTS;
export const HTTP2_FAULT_NAMES = Object.keys(HTTP2_FAULTS) as readonly Http2Fault[];
