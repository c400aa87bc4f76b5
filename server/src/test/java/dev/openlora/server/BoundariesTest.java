package dev.openlora.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The boundaries of the house: who may know whom, and which library lives where. */
class BoundariesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("dev.openlora");

  @Test
  void modulesDependDownwardsOnly() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .withOptionalLayers(true)
        .layer("kernels")
        .definedBy("dev.openlora.kernels..")
        .layer("adapter")
        .definedBy("dev.openlora.adapter..")
        .layer("engine")
        .definedBy("dev.openlora.engine..")
        .layer("attribution")
        .definedBy("dev.openlora.attribution..")
        .layer("settlement")
        .definedBy("dev.openlora.settlement..")
        .layer("server")
        .definedBy("dev.openlora.server..")
        .whereLayer("server")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("settlement")
        .mayOnlyBeAccessedByLayers("server")
        .whereLayer("attribution")
        .mayOnlyBeAccessedByLayers("settlement", "server")
        .whereLayer("engine")
        .mayOnlyBeAccessedByLayers("attribution", "settlement", "server")
        .whereLayer("adapter")
        .mayOnlyBeAccessedByLayers("engine", "attribution", "settlement", "server")
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.openlora.(*)..").should().beFreeOfCycles().check(CLASSES);
    slices().matching("dev.openlora.server.(*)..").should().beFreeOfCycles().check(CLASSES);
    slices().matching("dev.openlora.engine.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void foreignMemoryStaysInTheKernels() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.openlora.kernels..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.lang.foreign..")
        .check(CLASSES);
  }

  @Test
  void nettyStaysInTheServer() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.openlora.server..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.netty..")
        .check(CLASSES);
  }

  @Test
  void torchAndTokenizersStayBehindTheEngine() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.openlora.adapter..",
            "dev.openlora.attribution..",
            "dev.openlora.settlement..",
            "dev.openlora.server..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.djl..")
        .check(CLASSES);
  }

  @Test
  void web3jStaysWithTheChainClient() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.openlora.settlement.chain..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.web3j..")
        .check(CLASSES);
  }
}
