import type { FastifyInstance } from "fastify";
import Type from "typebox";
import { shape, text, type ShapeOf } from "#model/shape.ts";
import type { MasterKeyChange } from "#control/sealing/sealed-keys.ts";
import { route } from "./route.ts";

const MasterKeyReplySchema = shape(
  {
    id: text("The check value of the master key in use, which says nothing else about the key."),
    place: text("Where the master key is, in words."),
    made: Type.Boolean({
      description: "Whether the key was made, because its file did not exist.",
    }),
    rewrapped: Type.Integer({
      description:
        "How many private keys were changed to this master key; 0 if it was in use before.",
    }),
    damaged: Type.Integer({
      description:
        "How many private keys could not be changed, because their data keys are damaged.",
    }),
  },
  "The master key in use.",
);
export type MasterKeyReply = ShapeOf<typeof MasterKeyReplySchema>;

/** Changes to the master key that the file of the document names. Rejects with DirectorError. */
export type SetMasterKey = () => Promise<MasterKeyChange>;

/** The route by which an operator changes the master key. No key is in the request or in the reply. */
export function addMasterKeyRoute(app: FastifyInstance, setMasterKey: SetMasterKey): void {
  app.post(
    "/v1/master-key",
    route({
      operationId: "setMasterKey",
      tags: ["certificates"],
      summary: "Change to the master key that the file of the document names",
      reply: MasterKeyReplySchema,
    }),
    async (): Promise<MasterKeyReply> => {
      const { isMade, ...rest } = await setMasterKey();
      return { ...rest, made: isMade };
    },
  );
}
