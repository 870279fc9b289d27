/**
 * What a node looks like, as one number: shape, where it stands towards the message, life, suspicion. What the page
 * has to say is said by form, and by color as well (palette.ts).
 */
export const shapes = { circle: 0, square: 1 } as const;
/** Towards the message that is shown; `none`: no message is shown, or it is nobody who gets messages. */
export const spreads = { none: 0, susceptible: 1, infected: 2, removed: 3 } as const;
export const lives = { alive: 0, paused: 1, dead: 2, ended: 3 } as const;

export type Form = number;

export interface FormParts {
  readonly shape: number;
  readonly spread: number;
  readonly life: number;
  readonly isSuspected: boolean;
}

export function formOf({ shape, spread, life, isSuspected }: FormParts): Form {
  return shape | (spread << 1) | (life << 3) | (isSuspected ? 32 : 0);
}

export function partsOf(form: Form): FormParts {
  return { shape: form & 1, spread: (form >> 1) & 3, life: (form >> 3) & 3, isSuspected: (form & 32) !== 0 };
}
