/** The walls of the house. Each rule says why it stands. */
const tests = '\\.test\\.ts$|^infra/(testing|e2e|local|compose|bench|operations|faults)/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'services-are-strangers',
      comment: 'The services share a wire contract and a workflow, never code or a database.',
      severity: 'error',
      from: { path: '^(order-api|processor)/', pathNot: tests },
      to: { path: '^(order-api|processor)/', pathNot: '^$1/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'What an order is depends on nothing but exact decimals.',
      severity: 'error',
      from: { path: '^(order-api|processor)/domain/', pathNot: tests },
      to: { pathNot: ['^$1/domain/', '^node_modules/decimal\\.js/'] },
    },
    {
      name: 'application-knows-ports-only',
      comment: 'Use cases see the domain and their ports; of the plumbing only what knows no technology.',
      severity: 'error',
      from: { path: '^(order-api|processor)/application/', pathNot: tests },
      to: { pathNot: ['^$1/(application|domain)/', '^infra/runtime/'] },
    },
    {
      name: 'infrastructure-below-main',
      comment: 'Only the composition root knows everything.',
      severity: 'error',
      from: { path: '^(order-api|processor)/(domain|application|infrastructure)/', pathNot: tests },
      to: { path: '^$1/(main|config)\\.ts$' },
    },
    {
      name: 'workflows-know-no-service',
      comment: 'The workflow declares what it asks of the services, and they implement it.',
      severity: 'error',
      from: { path: '^workflows/', pathNot: tests },
      to: { path: '^(order-api|processor)/' },
    },
    {
      name: 'workflow-code-is-deterministic',
      comment: 'Workflow code is replayed: no Node built-ins, nothing but the workflow API and its own files.',
      severity: 'error',
      from: {
        path: '^workflows/(order-lifecycle|order-progress|progress-display|tracked-order|parse-facts|check-delay|live-details|messages|activities)\\.ts$',
      },
      to: {
        pathNot: ['^workflows/', '^node_modules/@temporalio/(workflow|common)/'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'plumbing-knows-no-business',
      comment: 'What is under infra could carry any other events just as well.',
      severity: 'error',
      from: { path: '^infra/', pathNot: tests },
      to: { path: '^(order-api|processor|workflows)/' },
    },
    {
      name: 'production-does-not-need-tests',
      comment: 'Nothing that ships may lean on what only developers have.',
      severity: 'error',
      from: { path: '^(order-api|processor|workflows|infra)/', pathNot: tests },
      to: { path: tests },
    },
    {
      name: 'no-dev-dependencies-in-production',
      comment: 'A package that only developers install is not there in production.',
      severity: 'error',
      from: { path: '^(order-api|processor|workflows|infra)/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'types'] },
  },
};
