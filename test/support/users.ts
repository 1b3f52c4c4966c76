import type { TestApi } from "./api.ts";

/** Somebody of a test: inserted, not registered, since hashing costs 190 ms. */
export type Person = { id: number; token: string; sessionId: number; username: string; email: string };

let made = 0;

/** Makes a user with one device signed in, straight in the database. */
export async function createUser(api: Pick<TestApi, "database">, roles: string[] = ["user"]): Promise<Person> {
  made += 1;
  const username = `person${process.pid}x${made}`;
  const email = `${username}@example.com`;
  const token = `${username}-token-`.padEnd(43, "x");
  const [session] = await api.database.sql(
    `with person as (
       insert into users (username, display_username, email, name, roles) values ($1, $1, $2, $1, $3) returning id
     )
     insert into sessions (user_id, token, expires_at) select id, $4, now() + interval '1 day' from person
     returning user_id, id`,
    [username, email, roles, token],
  );
  return { id: Number(session!["user_id"]), token, sessionId: Number(session!["id"]), username, email };
}

/** The headers of a request that bears a token or a key. */
export function authHeader(secret: string): { authorization: string } {
  return { authorization: `Bearer ${secret}` };
}
