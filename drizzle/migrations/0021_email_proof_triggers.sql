-- The time of a proof and the sign-in of a session are compared, so both are by the clock of Postgres, whoever writes the row.
-- The proof is the later of the two if they are concurrent: now() is the start of a transaction.
UPDATE users SET email_verified_at = now() WHERE email_verified;
--> statement-breakpoint
CREATE FUNCTION stamp_email_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.email IS DISTINCT FROM OLD.email THEN
    NEW.email_verified := false;
  END IF;
  IF NOT NEW.email_verified THEN
    NEW.email_verified_at := NULL;
  ELSIF TG_OP = 'INSERT' OR NOT OLD.email_verified THEN
    NEW.email_verified_at := clock_timestamp();
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER users_email_proof BEFORE INSERT OR UPDATE OF email, email_verified ON users
  FOR EACH ROW EXECUTE FUNCTION stamp_email_proof();
--> statement-breakpoint
CREATE FUNCTION stamp_sign_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.created_at := now();
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER sessions_sign_in BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION stamp_sign_in();
