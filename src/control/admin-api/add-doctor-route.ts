import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { DoctorCheckSchema } from "#model/records/doctor.ts";
import type { Doctor } from "#control/doctor/doctor.ts";
import { route } from "./route.ts";

const DOCTOR_ROUTE = route({
  operationId: "getDoctor",
  tags: ["state"],
  summary: "Check what the director needs of its machine. The result is up to 10 s old",
  reply: Type.Array(DoctorCheckSchema),
});

/** The route of `tlsd doctor`. */
export function addDoctorRoute(app: FastifyInstance, doctor: Doctor): void {
  app.get("/v1/doctor", DOCTOR_ROUTE, () => doctor());
}
