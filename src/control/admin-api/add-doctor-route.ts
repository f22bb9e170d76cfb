import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { FailureSchema } from "#model/failure-schema.ts";
import { DoctorCheckSchema } from "#model/records/doctor.ts";
import type { Doctor } from "#control/doctor/doctor.ts";

const schema = {
  operationId: "getDoctor",
  summary: "Check what the director needs of its machine. The result is up to 10 s old.",
  tags: ["status"],
  response: { 200: Type.Array(DoctorCheckSchema), "4xx": FailureSchema, "5xx": FailureSchema },
};

/** The route of `tlsd doctor`. */
export function addDoctorRoute(app: FastifyInstance, doctor: Doctor): void {
  app.get("/v1/doctor", { schema }, () => doctor());
}
