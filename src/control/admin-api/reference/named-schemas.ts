import {
  CertificateFactsSchema,
  CertificateSchema,
  ChainFactsSchema,
} from "#model/document/certificate.ts";
import { ListenerSchema } from "#model/document/listener.ts";
import { EgressListenerSchema } from "#model/document/modes/egress.ts";
import { HttpListenerSchema } from "#model/document/modes/http.ts";
import { RedirectListenerSchema } from "#model/document/modes/redirect.ts";
import { TcpListenerSchema } from "#model/document/modes/tcp.ts";
import { PolicySchema } from "#model/document/policy.ts";
import { ProfileSchema } from "#model/document/profile.ts";
import { QosSchema } from "#model/document/qos.ts";
import { ServerSchema } from "#model/document/server.ts";
import { VnicSchema } from "#model/document/vnic.ts";
import { FailureReplySchema, ProblemSchema } from "#model/failure-schema.ts";
import {
  ChangeReplySchema,
  DifferenceSchema,
  PathChangeSchema,
  RevisionReplySchema,
} from "#model/records/change-reply.ts";
import { AttentionSchema } from "#model/records/attention.ts";
import { CertificateDetailSchema } from "#model/records/certificate-detail.ts";
import { AuthorSchema, RevisionRecordSchema } from "#model/records/revision.ts";
import {
  CertificateStatusSchema,
  DirectorStatusSchema,
  ListenerStatusSchema,
  WorkerStatusSchema,
} from "#model/records/status.ts";
import { WrittenDocumentSchema } from "../add-document-routes.ts";
import type { NamedSchemas } from "./openapi-schema.ts";

/** The schemas that have names in the OpenAPI document. */
export const NAMED_SCHEMAS: NamedSchemas = {
  Document: WrittenDocumentSchema,
  Server: ServerSchema,
  Profile: ProfileSchema,
  Vnic: VnicSchema,
  Qos: QosSchema,
  Listener: ListenerSchema,
  TcpListener: TcpListenerSchema,
  HttpListener: HttpListenerSchema,
  RedirectListener: RedirectListenerSchema,
  EgressListener: EgressListenerSchema,
  Certificate: CertificateSchema,
  Policy: PolicySchema,
  ChangeReply: ChangeReplySchema,
  Difference: DifferenceSchema,
  PathChange: PathChangeSchema,
  Revision: RevisionRecordSchema,
  RevisionReply: RevisionReplySchema,
  Author: AuthorSchema,
  DirectorStatus: DirectorStatusSchema,
  WorkerStatus: WorkerStatusSchema,
  ListenerStatus: ListenerStatusSchema,
  CertificateStatus: CertificateStatusSchema,
  CertificateDetail: CertificateDetailSchema,
  ChainFacts: ChainFactsSchema,
  Attention: AttentionSchema,
  CertificateFacts: CertificateFactsSchema,
  Failure: FailureReplySchema,
  Problem: ProblemSchema,
};
