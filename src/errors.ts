import { agentErrors } from "./agent/errors.ts";
import { authErrors } from "./auth/errors.ts";
import { billingErrors } from "./billing/errors.ts";
import { catalogErrors } from "./catalog/errors.ts";
import { roomConstraintErrors } from "./chat/room/errors.ts";
import * as jobs from "./jobs/errors.ts";
import { commonErrors, type ConstraintErrors, type ErrorType } from "./kit/errors.ts";
import { minionErrors } from "./minions/errors.ts";
import { allowanceErrors, modelErrors, providerErrors } from "./models/errors.ts";

/** Every error type that a client can get, in the order of the documentation. */
export const errorTypes: readonly ErrorType[] = [
  commonErrors.malformed_json,
  commonErrors.unauthenticated,
  authErrors.invalid_credentials,
  commonErrors.forbidden,
  authErrors.account_banned,
  authErrors.cross_site,
  billingErrors.insufficient_points,
  commonErrors.not_found,
  minionErrors.spirit_not_owned,
  minionErrors.spirit_locked,
  commonErrors.method_not_allowed,
  authErrors.account_exists,
  modelErrors.display_name_taken,
  minionErrors.minion_limit_reached,
  modelErrors.model_limit_reached,
  minionErrors.spirit_limit_reached,
  minionErrors.spirit_already_equipped,
  commonErrors.conflict,
  commonErrors.precondition_failed,
  commonErrors.payload_too_large,
  commonErrors.unsupported_media_type,
  commonErrors.validation_failed,
  commonErrors.idempotency_key_reused,
  authErrors.token_invalid,
  commonErrors.upgrade_required,
  commonErrors.rate_limited,
  agentErrors.context_exceeded,
  commonErrors.egress_refused,
  allowanceErrors.allowance_exhausted,
  providerErrors.provider_rate_limited,
  commonErrors.internal,
  providerErrors.provider_refused,
  providerErrors.provider_model_missing,
  providerErrors.provider_key_rejected,
  providerErrors.provider_no_credit,
  commonErrors.provider_unavailable,
  commonErrors.provider_timed_out,
  agentErrors.content_filtered,
  agentErrors.too_many_steps,
  providerErrors.provider_not_configured,
  commonErrors.misconfigured,
  commonErrors.database_unavailable,
  commonErrors.kv_unavailable,
  commonErrors.mail_unavailable,
  commonErrors.realtime_unavailable,
  commonErrors.files_unavailable,
  allowanceErrors.allowance_unavailable,
  catalogErrors.catalog_unavailable,
];

/** The client errors of the constraints and `refuse` codes of all features. */
export const constraintErrors: ConstraintErrors = { ...jobs.constraintErrors, ...roomConstraintErrors };
