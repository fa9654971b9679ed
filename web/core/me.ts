// Who sits here: the person of this browser's session.

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly agency: string;
}

/** The person who is signed in, or null when nobody is. */
export async function whoAmI(fetcher: typeof fetch = fetch): Promise<Me | null> {
  const answer = await fetcher('/v1/me', { credentials: 'same-origin' });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`who is signed in could not be asked: the answer was ${answer.status}`);
  return (await answer.json()) as Me;
}
