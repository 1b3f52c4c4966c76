import { sendsToken } from "./email-link.js";

sendsToken(document.getElementById("reset"), "/api/auth/reset-password", (form) => ({
  password: form.get("password"),
  revoke_api_keys: form.get("revoke_api_keys") !== null,
}));
