import type { ErrorInfo, ReactNode } from 'react';
import { Component } from 'react';

import { testids } from './testids';

interface IBoundaryProps {
  /** What is inside, as a sentence begins: "The graph". */
  name: string;
  /** What it shows; where that is another, it is drawn again by itself. */
  shows?: unknown;
  children: ReactNode;
}

/** Keeps an error in drawing what is inside from taking everything around it away; says so in words. */
export class Boundary extends Component<IBoundaryProps, { error: Error | null }> {
  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override state: { error: Error | null } = { error: null };

  override componentDidCatch(error: unknown, { componentStack }: ErrorInfo): void {
    console.error(`caffe_nb: ${this.props.name} could not be drawn`, error, componentStack);
  }

  override componentDidUpdate(before: IBoundaryProps): void {
    if (this.state.error !== null && before.shows !== this.props.shows) {
      this.#tryAgain();
    }
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) {
      return this.props.children;
    }
    return (
      <div className="caffe-nb-empty" data-testid={testids.broken} role="alert">
        <h3>{this.props.name} could not be drawn.</h3>
        <p>
          This is a fault in caffe_nb, not in your net: {error.message || error.name}. The kernel and the rest
          of the panel go on.
        </p>
        <button className="jp-mod-styled" onClick={this.#tryAgain}>
          Try again
        </button>
      </div>
    );
  }

  readonly #tryAgain = (): void => this.setState({ error: null });
}
