import type { ModeRecords } from "../mode-records.ts";
import { terminatingRecords, type SnapshotTerminating } from "../terminating-records.ts";

export type SnapshotTcpListener = SnapshotTerminating<"tcp">;

export const tcpRecords = terminatingRecords satisfies ModeRecords<SnapshotTcpListener>;
