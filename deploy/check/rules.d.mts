import { type Facts } from './facts.mjs';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- objects of every kind of Kubernetes
export type KubernetesObject = any;

export function complaintsOfRules(objects: readonly KubernetesObject[], facts: Facts): string[];
