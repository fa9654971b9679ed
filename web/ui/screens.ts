// Where one can go from here: only what works. Those with roles are shown to whoever has one of them; the policies decide.

import type { Screen } from '../core/command.ts';
import type { Agent } from '../core/types.ts';

export interface Place extends Screen {
  readonly short: string;
  readonly icon: string;
  readonly roles?: readonly Agent['role'][];
}

/** Icons are paths in a square of 24. */
export const SCREENS: readonly Place[] = [
  { name: 'Operations', short: 'Operations', to: '/console/', icon: 'M12 3v4M12 17v4M3 12h4M17 12h4M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8' },
  { name: 'Register of what watches', short: 'Register', to: '/register', icon: 'M5 4h14v16H5zM9 9h6M9 13h6' },
  { name: 'Cases', short: 'Cases', to: '/cases', icon: 'M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12M15 15l5 5' },
  { name: 'Approvals: what two people decide', short: 'Approvals', to: '/approvals', icon: 'M4 12l5 5L20 6', roles: ['supervisor', 'it', 'privacy-officer', 'auditor'] },
  { name: 'What is noticed automatically', short: 'Detectors', to: '/capabilities', icon: 'M4 12c4-7 12-7 16 0-4 7-12 7-16 0M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4', roles: ['supervisor', 'it', 'privacy-officer', 'auditor'] },
  { name: 'Oversight', short: 'Oversight', to: '/oversight', icon: 'M12 4v16M6 20h12M5 8h14M5 8l-2 6h5zM19 8l-3 6h5z', roles: ['privacy-officer', 'auditor'] },
  { name: 'You', short: 'You', to: '/you', icon: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4 20c1-5 4-6 8-6s7 1 8 6' },
  { name: 'The page without a script', short: 'Plain', to: '/', icon: 'M4 6h16M4 12h16M4 18h10' },
];
