-- Undoes the transaction it is called in, as a constraint called `code` would: what no constraint can say is refused by it.
CREATE FUNCTION refuse(code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', code USING ERRCODE = 'check_violation', CONSTRAINT = code;
END
$$;
