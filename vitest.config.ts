import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['extension/src/**/*.test.{ts,tsx}'],
    passWithNoTests: false,
    restoreMocks: true,
    testTimeout: 60_000 // for a machine that has other things to do
  }
});
