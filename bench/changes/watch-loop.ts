/** Is loaded into the control process before the program. Appends the longest hold of its event loop to a file, every 50 ms. */
import { appendFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const path = process.env["TLSD_BENCH_LOOP"];
if (path !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  setInterval(() => {
    appendFileSync(path, `${Date.now()} ${delay.max / 1e6}\n`);
    delay.reset();
  }, 50).unref();
}
