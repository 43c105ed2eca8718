/**
 * What a file of another tool may contain: the type of a value, the keys of an object, or the items of a list. An object has no other
 * keys, and those that begin with `!` are required. `map`: any keys with texts as values.
 */
export type Shape = 'text' | 'number' | 'boolean' | 'map' | 'anything' | readonly [Shape] | Shapes;
interface Shapes {
  readonly [key: string]: Shape;
}

/** Returns what does not fit, with its place. */
export function misfits(value: unknown, shape: Shape, place = ''): string[] {
  if (shape === 'anything') return [];
  if (typeof shape === 'string') return fits(value, shape) ? [] : [`${place} is no ${shape}`];
  if (Array.isArray(shape)) {
    const [item] = shape as readonly [Shape];
    if (!Array.isArray(value)) return [`${place} is no list`];
    return value.flatMap((each, index) => misfits(each, item, `${place}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${place} is no object`];
  const known = new Map(Object.entries(shape as Shapes).map(([key, of]) => [key.replace(/^!/, ''), of]));
  const missing = Object.keys(shape)
    .filter((key) => key.startsWith('!') && !Object.hasOwn(value, key.slice(1)))
    .map((key) => `${place}.${key.slice(1)} is missing`);
  const wrong = Object.entries(value).flatMap(([key, of]) => {
    const expected = known.get(key) ?? known.get('*');
    return expected === undefined ? [`${place}.${key} is unknown`] : misfits(of, expected, `${place}.${key}`);
  });
  return [...missing, ...wrong];
}

function fits(value: unknown, type: 'text' | 'number' | 'boolean' | 'map'): boolean {
  if (type === 'map')
    return typeof value === 'object' && value !== null && Object.values(value).every(isText);
  return type === 'text' ? isText(value) : typeof value === type;
}
const isText = (value: unknown): boolean => typeof value === 'string';

// Kubernetes 1.34: the fields of its API reference, without those of storage, scheduling and Windows.

const META = { '!name': 'text', namespace: 'text', labels: 'map', annotations: 'map' } as const;
const SELECTOR = { matchLabels: 'map', matchExpressions: 'anything' } as const;
const PROBE = {
  httpGet: { '!path': 'text', '!port': 'text', scheme: 'text', host: 'text', httpHeaders: 'anything' },
  periodSeconds: 'number',
  timeoutSeconds: 'number',
  failureThreshold: 'number',
  successThreshold: 'number',
  initialDelaySeconds: 'number',
  terminationGracePeriodSeconds: 'number',
} as const;
const HOOK = {
  exec: { '!command': ['text'] },
  sleep: { '!seconds': 'number' },
  httpGet: PROBE.httpGet,
} as const;
const CONTAINER = {
  '!name': 'text',
  '!image': 'text',
  imagePullPolicy: 'text',
  command: ['text'],
  args: ['text'],
  workingDir: 'text',
  ports: [{ name: 'text', '!containerPort': 'number', protocol: 'text' }],
  env: [
    {
      '!name': 'text',
      value: 'text',
      valueFrom: {
        secretKeyRef: { '!name': 'text', '!key': 'text', optional: 'boolean' },
        configMapKeyRef: { '!name': 'text', '!key': 'text', optional: 'boolean' },
        fieldRef: { '!fieldPath': 'text' },
      },
    },
  ],
  envFrom: 'anything',
  startupProbe: PROBE,
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  lifecycle: { preStop: HOOK, postStart: HOOK },
  resources: { requests: 'map', limits: 'map' },
  securityContext: {
    allowPrivilegeEscalation: 'boolean',
    readOnlyRootFilesystem: 'boolean',
    capabilities: { drop: ['text'], add: ['text'] },
    runAsNonRoot: 'boolean',
    runAsUser: 'number',
    privileged: 'boolean',
  },
  volumeMounts: 'anything',
} as const;
const POD = {
  terminationGracePeriodSeconds: 'number',
  topologySpreadConstraints: [
    { '!maxSkew': 'number', '!topologyKey': 'text', '!whenUnsatisfiable': 'text', labelSelector: SELECTOR },
  ],
  securityContext: {
    runAsNonRoot: 'boolean',
    runAsUser: 'number',
    runAsGroup: 'number',
    fsGroup: 'number',
    seccompProfile: { '!type': 'text' },
  },
  serviceAccountName: 'text',
  automountServiceAccountToken: 'boolean',
  priorityClassName: 'text',
  volumes: 'anything',
  '!containers': [CONTAINER],
} as const;

const resource = (apiVersion: string, spec: Shape): { apiVersion: string; shape: Shape } => ({
  apiVersion,
  shape: { '!apiVersion': 'text', '!kind': 'text', '!metadata': META, '!spec': spec },
});

/** The kinds of Kubernetes' resources that docs/deploy has, with the version of their API. */
export const KUBERNETES: Readonly<Record<string, { apiVersion: string; shape: Shape }>> = {
  Deployment: resource('apps/v1', {
    replicas: 'number',
    '!selector': SELECTOR,
    strategy: { type: 'text', rollingUpdate: { maxUnavailable: 'number', maxSurge: 'number' } },
    minReadySeconds: 'number',
    progressDeadlineSeconds: 'number',
    revisionHistoryLimit: 'number',
    '!template': { '!metadata': { labels: 'map', annotations: 'map' }, '!spec': POD },
  }),
  Service: resource('v1', {
    type: 'text',
    '!selector': 'map',
    sessionAffinity: 'text',
    externalTrafficPolicy: 'text',
    '!ports': [
      { name: 'text', '!port': 'number', targetPort: 'text', protocol: 'text', appProtocol: 'text' },
    ],
  }),
  PodDisruptionBudget: resource('policy/v1', {
    maxUnavailable: 'number',
    minAvailable: 'number',
    '!selector': SELECTOR,
    unhealthyPodEvictionPolicy: 'text',
  }),
  Ingress: resource('networking.k8s.io/v1', {
    ingressClassName: 'text',
    tls: [{ hosts: ['text'], secretName: 'text' }],
    '!rules': [
      {
        host: 'text',
        '!http': {
          '!paths': [
            {
              '!path': 'text',
              '!pathType': 'text',
              '!backend': { '!service': { '!name': 'text', '!port': { name: 'text', number: 'number' } } },
            },
          ],
        },
      },
    ],
  }),
  HTTPRoute: resource('gateway.networking.k8s.io/v1', {
    '!parentRefs': [{ '!name': 'text', namespace: 'text', sectionName: 'text' }],
    hostnames: ['text'],
    '!rules': [
      {
        matches: [{ path: { '!type': 'text', '!value': 'text' }, headers: 'anything' }],
        timeouts: { request: 'text', backendRequest: 'text' },
        '!backendRefs': [{ '!name': 'text', '!port': 'number', weight: 'number' }],
      },
    ],
  }),
};

/** Traefik 3, the static and the dynamic configuration. */
export const TRAEFIK = {
  fixed: {
    entryPoints: {
      '*': {
        '!address': 'text',
        transport: {
          respondingTimeouts: { readTimeout: 'text', writeTimeout: 'text', idleTimeout: 'text' },
          lifeCycle: { requestAcceptGraceTimeout: 'text', graceTimeOut: 'text' },
          keepAliveMaxTime: 'text',
          keepAliveMaxRequests: 'number',
        },
        forwardedHeaders: { insecure: 'boolean', trustedIPs: ['text'] },
      },
    },
    providers: { file: { filename: 'text', directory: 'text', watch: 'boolean' } },
  },
  dynamic: {
    http: {
      routers: {
        '*': {
          entryPoints: ['text'],
          '!rule': 'text',
          '!service': 'text',
          middlewares: ['text'],
          tls: 'anything',
        },
      },
      middlewares: { '*': { retry: { '!attempts': 'number', initialInterval: 'text' } } },
      services: {
        '*': {
          '!loadBalancer': {
            '!servers': [{ '!url': 'text', weight: 'number' }],
            healthCheck: {
              '!path': 'text',
              interval: 'text',
              timeout: 'text',
              hostname: 'text',
              status: 'number',
            },
            sticky: { cookie: { name: 'text', httpOnly: 'boolean', secure: 'boolean', sameSite: 'text' } },
            passHostHeader: 'boolean',
          },
        },
      },
    },
  },
} as const satisfies Record<string, Shape>;

const HEALTH_CHECK = {
  '!test': ['text'],
  interval: 'text',
  timeout: 'text',
  retries: 'number',
  start_period: 'text',
} as const;

/** The Compose Specification. */
export const COMPOSE: Shape = {
  'x-node': 'anything',
  '!services': {
    '*': {
      image: 'text',
      build: { context: 'text', dockerfile: 'text', args: 'map', target: 'text' },
      command: ['text'],
      environment: 'map',
      depends_on: { '*': { '!condition': 'text' } },
      healthcheck: HEALTH_CHECK,
      stop_grace_period: 'text',
      restart: 'text',
      ulimits: { nofile: 'number' },
      read_only: 'boolean',
      cap_drop: ['text'],
      security_opt: ['text'],
      volumes: ['text'],
      ports: ['text'],
    },
  },
};

/** An application in the file of pm2. */
export const PM2_APP: Shape = {
  '!name': 'text',
  '!script': 'text',
  exec_mode: 'text',
  instances: 'text',
  kill_timeout: 'number',
  listen_timeout: 'number',
  wait_ready: 'boolean',
  max_memory_restart: 'text',
  env: 'map',
};
