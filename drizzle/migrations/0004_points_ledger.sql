-- The ledger of points is append-only; only the account's own deletion takes its rows along.
CREATE FUNCTION points_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM refuse('points_ledger_is_append_only');
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER points_ledger_is_append_only BEFORE UPDATE OR DELETE ON points_transactions
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION points_ledger_is_append_only();
