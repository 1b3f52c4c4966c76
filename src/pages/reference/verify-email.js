import { sendsToken } from "./email-link.js";

sendsToken(document.getElementById("verify"), "/api/auth/verify-email", () => ({}));
